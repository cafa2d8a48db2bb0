"""File storage in a folder or on S3. Only the backend named in the settings is imported."""
