"""The back office: database, figures, HTTP service and pages. It also runs without any graph."""
