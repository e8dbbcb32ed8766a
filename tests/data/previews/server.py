"""A project's server that shows what it was asked, for the tests of previews."""

import asyncio
import base64
import hashlib
import json
import os
import sys

PORT = int(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("PORT", "5000"))
BIG = bytes(range(256)) * 32768
seen = {"requests": 0, "connections": 0}


async def read_body(reader, headers):
    if headers.get("transfer-encoding", "").lower() == "chunked":
        count = 0
        while size := int((await reader.readline()).split(b";")[0], 16):
            count += len(await reader.readexactly(size))
            await reader.readline()
        await reader.readline()
        return count
    left = length = int(headers.get("content-length", "0"))
    while left:
        left -= len(await reader.read(min(left, 65536)))
    return length


def answer(body, kind="application/json", status="200 OK", more=()):
    if not isinstance(body, bytes):
        body = (body if isinstance(body, str) else json.dumps(body)).encode()
    head = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", *more]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


async def events(writer):
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    for number in range(100_000):
        line = f"data: {number}\n\n".encode()
        writer.write(b"%x\r\n%s\r\n" % (len(line), line))
        await writer.drain()
        await asyncio.sleep(0.05)


async def echo_frames(reader, writer, headers):
    key = headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    accept = base64.b64encode(hashlib.sha1(key.encode()).digest()).decode()
    head = f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    writer.write(head.encode())
    while True:
        first, second = await reader.readexactly(2)
        mask = await reader.readexactly(4)
        data = await reader.readexactly(second & 127)
        plain = bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))
        writer.write(bytes([first, len(plain)]) + plain)
        await writer.drain()


def page(target, method, pairs, body):
    headers = dict(pairs)
    path = target.split("?")[0]
    if path == "/big":
        if wanted := headers.get("range"):
            begin, end = (int(part) for part in wanted.removeprefix("bytes=").split("-"))
            more = [f"Content-Range: bytes {begin}-{end}/{len(BIG)}"]
            return answer(BIG[begin : end + 1], "application/octet-stream", "206 Partial Content", more)
        return answer(BIG, "application/octet-stream")
    if path == "/cookies":
        set_cookies = ["own=1; Path=/", "wide=1; Domain=localhost; Path=/", "lockhouse_session=evil; Path=/"]
        return answer({}, more=[f"Set-Cookie: {cookie}" for cookie in set_cookies])
    if path == "/moved":
        return answer({}, status="302 Found", more=[f"Location: http://localhost:{PORT}/echo?moved"])
    if path == "/greedy":
        more = ["Service-Worker-Allowed: /", 'Clear-Site-Data: "*"', "X-Frame-Options: DENY"]
        return answer("<p>mine</p>", "text/html", more=more)
    if path == "/small":
        return answer("small", "text/plain")
    seen_now = {"target": target, "method": method, "headers": pairs, "body": body, **seen}
    return answer(seen_now)


async def serve(reader, writer):
    seen["connections"] += 1
    try:
        while line := await reader.readline():
            method, target, _ = line.decode().split()
            seen["requests"] += 1
            pairs = []
            while (line := (await reader.readline()).decode().strip()):
                name, value = line.split(":", 1)
                pairs.append((name.lower(), value.strip()))
            headers = dict(pairs)
            if headers.get("upgrade", "").lower() == "websocket":
                return await echo_frames(reader, writer, headers)
            body = await read_body(reader, headers)
            if target.startswith("/events"):
                return await events(writer)
            writer.write(page(target, method, pairs, body))
            await writer.drain()
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", PORT)
    print(f"<b>listening</b> on {PORT}", flush=True)
    await server.serve_forever()


asyncio.run(main())
