"""The schema, as steps that every engine takes in the same order."""
