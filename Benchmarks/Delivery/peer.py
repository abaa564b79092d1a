"""The peer in Python: sse-starlette under uvicorn, a queue for each subscriber."""

import asyncio
import sys

import uvicorn
from sse_starlette.sse import EventSourceResponse
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

subscribers = set()


async def events(_):
    # Before the head: whoever has that is given every event.
    queue = asyncio.Queue()
    subscribers.add(queue)

    async def follow():
        try:
            while True:
                yield {"data": await queue.get()}
        finally:
            subscribers.discard(queue)

    return EventSourceResponse(follow())


async def publish(request):
    text = (await request.body()).decode()
    for queue in list(subscribers):
        queue.put_nowait(text)
    return Response(status_code=204)


uvicorn.run(
    Starlette(routes=[Route("/events", events), Route("/publish", publish, methods=["POST"])]),
    host="127.0.0.1",
    port=int(sys.argv[1]),
    backlog=4096,
    log_level="error",
    access_log=False,
)
