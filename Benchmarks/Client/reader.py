"""Reads one stream to its end with the client named, and prints how many events it saw and how many bytes of data they had.

    reader.py httpx-sse|sseclient-py|lines URL
"""

import sys


def httpx_sse(url):
    import httpx
    import httpx_sse

    with httpx.Client(timeout=None) as client, httpx_sse.connect_sse(client, "GET", url) as source:
        for event in source.iter_sse():
            yield event.event, event.data


def sseclient_py(url):
    import requests
    import sseclient

    response = requests.get(url, stream=True, headers={"Accept": "text/event-stream"})
    for event in sseclient.SSEClient(response).events():
        yield event.event, event.data


def lines(url):
    """What a program without a client of events does."""
    import urllib.request

    request = urllib.request.Request(url, headers={"Accept": "text/event-stream"})
    type, data = "message", []
    with urllib.request.urlopen(request) as response:
        for line in response:
            line = line.decode().rstrip("\n")
            if line.startswith("data: "):
                data.append(line[6:])
            elif line.startswith("event: "):
                type = line[7:]
            elif not line:
                if data:
                    yield type, "\n".join(data)
                type, data = "message", []


def main():
    events = size = 0
    for type, data in {"httpx-sse": httpx_sse, "sseclient-py": sseclient_py, "lines": lines}[sys.argv[1]](sys.argv[2]):
        if type == "end":
            break
        if type == "message" and data:
            events += 1
            size += len(data.encode())
    print(events, size)


if __name__ == "__main__":
    main()
