"""What the subjects of `metrica-admin` share: a subcommand with its options, and times as people write them."""
