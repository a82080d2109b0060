"""What the endpoints take and answer, as pydantic models, of which OpenAPI is made too."""
