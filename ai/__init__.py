from ai.clients import AIUnavailable, build_async_client, build_client, in_our_words

__all__ = ["AIUnavailable", "build_async_client", "build_client", "in_our_words"]
