"""Where files are kept: in a folder or on S3. Settings name one of these two by its path."""

from config.storage.disk import PrivateFileStorage
from config.storage.s3 import PrivateS3Storage

__all__ = ["PrivateFileStorage", "PrivateS3Storage"]
