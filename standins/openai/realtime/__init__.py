"""OpenAI's Realtime WebSocket API (GA version)."""
