"""Where files are kept: in a folder or on S3. Settings name one of the two; the other is not even loaded."""
