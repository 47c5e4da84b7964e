"""The steps of a study. Each reads files and writes files: so each can be run alone, resumed and audited."""
