"""What both programs share: listening on an address, command-line options, key files."""
