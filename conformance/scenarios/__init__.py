"""What is checked. Each module holds the scenarios of one theme; importing it registers them."""
