"""The GitHub tracker: the issues of one repository, by REST and GraphQL."""
