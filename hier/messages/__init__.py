"""Chat messages in OpenAI's form: a conversation compressed to a budget, one request at a time."""
