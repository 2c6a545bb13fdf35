"""The protocol: a service behind the server of the MCP SDK.

Every call runs in a thread, so that a long one holds up no other; a client that asked to hear of
progress hears each second that it goes on. A call that is cancelled ends as if it had not been,
with nobody to hear of it: what was begun to be written is written.
"""

import logging
from collections.abc import Callable
from typing import Any, TypeVar

import anyio
from anyio import to_thread
from mcp.server import NotificationOptions, Server, ServerRequestContext
from mcp.server.models import InitializationOptions
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, ResourcesListChanged
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ListToolsResult,
    PaginatedRequestParams,
    ReadResourceRequestParams,
    ReadResourceResult,
)

import hier
from hier.errors import HierError
from hier.serving.mcp import resources
from hier.serving.mcp.service import Service
from hier.serving.mcp.tools import TOOLS, Tool, refused

_AT_ONCE = 4  # calls that read: they take processors, not waiting
_BEAT = 1.0  # seconds between two words of progress
_INSTRUCTIONS = (
    "Documents, read once and kept as trees. Call compress with a question and a token budget to "
    "get the text that answers it; search to find where something is said; outline to see what "
    "there is; expand to read more around a node; add_document to add a text or a file."
)
_Context = ServerRequestContext[Any, Any]
_R = TypeVar("_R")
_logger = logging.getLogger(__name__)


class _Server(Server[Any]):
    """Tells clients of the handshake era that the list of documents may change."""

    def create_initialization_options(
        self,
        notification_options: NotificationOptions | None = None,
        experimental_capabilities: dict[str, dict[str, Any]] | None = None,
        extensions: dict[str, dict[str, Any]] | None = None,
    ) -> InitializationOptions:
        changing = notification_options or NotificationOptions(resources_changed=True)
        return super().create_initialization_options(
            changing, experimental_capabilities, extensions
        )


def make_server(service: Service) -> Server[Any]:
    """Return the server that answers for a service."""
    handlers = _Handlers(service)
    return _Server(
        "hier",
        title="hier",
        version=hier.__version__,
        instructions=_INSTRUCTIONS,
        on_list_tools=handlers.list_tools,
        on_call_tool=handlers.call_tool,
        on_list_resources=handlers.list_resources,
        on_list_resource_templates=handlers.list_templates,
        on_read_resource=handlers.read_resource,
        on_subscriptions_listen=ListenHandler(handlers.bus),
    )


class _Handlers:
    """What answers each request.

    Args:
        service: what is asked.
    """

    def __init__(self, service: Service) -> None:
        self.service = service
        self.bus = InMemorySubscriptionBus()
        self._reading = anyio.CapacityLimiter(_AT_ONCE)
        self._writing = anyio.CapacityLimiter(1)  # who waits to write takes no reader's place

    async def list_tools(self, _: _Context, __: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=[tool.described() for tool in TOOLS.values()])

    async def call_tool(self, context: _Context, asked: CallToolRequestParams) -> CallToolResult:
        tool = TOOLS.get(asked.name)
        if tool is None:
            raise MCPError(INVALID_PARAMS, f"there is no tool {asked.name[:80]!r}")
        room = self._writing if tool.writes else self._reading
        async with anyio.create_task_group() as beside:
            beside.start_soon(_beat, context)
            result, changed = await to_thread.run_sync(
                self._answer, tool, asked.arguments, limiter=room
            )
            beside.cancel_scope.cancel()
        if changed:  # each era of the protocol has its own way to hear of it
            await self.bus.publish(ResourcesListChanged())
            await context.session.send_resource_list_changed()
        return result

    def _answer(self, tool: Tool, given: dict[str, Any] | None) -> tuple[CallToolResult, bool]:
        """Answer a call, or say why not; of what nobody foresaw, only that it happened."""
        try:
            return tool.answer(self.service, given or {})
        except HierError as error:
            return refused(self.service.told(error)), False
        except Exception:
            _logger.exception("%s failed", tool.name)
            return refused(f"{tool.name} failed, through no fault of the call; see the log"), False

    async def list_resources(
        self, _: _Context, asked: PaginatedRequestParams | None
    ) -> ListResourcesResult:
        cursor = asked.cursor if asked is not None else None
        page, following = await self._read(
            lambda: resources.page_of(self.service.corpus.documents, cursor)
        )
        return ListResourcesResult(resources=page, next_cursor=following)

    async def list_templates(
        self, _: _Context, __: PaginatedRequestParams | None
    ) -> ListResourceTemplatesResult:
        return ListResourceTemplatesResult(resource_templates=resources.TEMPLATES)

    async def read_resource(
        self, _: _Context, asked: ReadResourceRequestParams
    ) -> ReadResourceResult:
        found = await self._read(lambda: resources.read(self.service, asked.uri))
        return ReadResourceResult(contents=[found])

    async def _read(self, call: Callable[[], _R]) -> _R:
        """Return what is read, or an error of the protocol."""
        try:
            return await to_thread.run_sync(call, limiter=self._reading)
        except HierError as error:
            raise MCPError(INVALID_PARAMS, self.service.told(error)) from error
        except Exception as error:
            _logger.exception("reading failed")
            raise MCPError(INTERNAL_ERROR, "reading failed; see the log") from error


async def _beat(context: _Context) -> None:
    """Say each second that a call goes on, to a client that asked for it."""
    seconds = 0.0
    while True:
        await anyio.sleep(_BEAT)
        seconds += _BEAT
        await context.session.report_progress(seconds, message="working")
