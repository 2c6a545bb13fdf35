"""Servers: the engine over HTTP, as tools of an agent, and before a model's own API."""
