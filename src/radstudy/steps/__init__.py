"""The steps of a study. Each reads files, does its work, writes files: so each can be run alone, resumed and audited."""
