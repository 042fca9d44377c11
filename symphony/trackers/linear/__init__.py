"""The Linear tracker: issues of a project or a team, read by GraphQL."""
