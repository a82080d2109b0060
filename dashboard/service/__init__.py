"""What the ingest and the pages share: servers, command-line options, key files."""
