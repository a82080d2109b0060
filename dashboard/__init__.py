"""The back office: database, figures, HTTP service and pages. It also runs without a node graph."""
