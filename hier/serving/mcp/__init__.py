"""The MCP server: a corpus as tools and resources of an agent, over stdio or HTTP."""
