#!/usr/bin/env python3
"""DSTAR request datagrams from the field tables: a second encoder, plain and slow.

Prints one JSON object a line: which message, of which version, the values, and its bytes. Shares
nothing with the Rust layouts; `dstar.jsonl` beside it is its output, which the tests compare with
what the templates write. Every field is placed by the offset that the table gives it, into bytes
that start as zero.

    python3 tests/vectors/dstar.py > tests/vectors/dstar.jsonl
"""

import json
import struct
from fractions import Fraction

CODES = {
    (2, "auth"): 0x0020,
    (2, "insert"): 0x0030,
    (2, "delete"): 0x0039,
    (3, "auth"): 0xEC00,
    (3, "insert"): 0xEC01,
    (3, "delete"): 0xEC03,
}
BODY = {
    (2, "auth"): 7,
    (2, "insert"): 56,
    (2, "delete"): 36,
    (3, "auth"): 7,
    (3, "insert"): 60,
    (3, "delete"): 48,
}


def put(body, offset, form, value):
    packed = struct.pack("<" + form, value)
    body[offset : offset + len(packed)] = packed


def header(version, message):
    code, length = CODES[version, message], BODY[version, message]
    if version == 2:
        return struct.pack("<cBHHH", b"D", 2, code, 1, length)
    return struct.pack("<HH", code, length)


def auth(version, v):
    body = bytearray(BODY[version, "auth"])
    put(body, 0, "H", v["account_index"])
    put(body, 2, "I", v["udp_auth_code"])
    put(body, 6, "B", v["req_id_mode"])
    return body


def insert(version, v):
    body = bytearray(BODY[version, "insert"])
    put(body, 0, "c", {"buy": b"B", "sell": b"S"}[v["side"]])
    offsets = {"open": b"O", "close": b"C", "close_yesterday": b"C"}
    today = v["close_today"].encode() if v["close_today"] else None
    put(body, 1, "c", today if v["effect"] == "close_today" else offsets[v["effect"]])
    put(body, 2, "c", {"speculate": b"T", "hedge": b"B"}[v["hedge"]])
    put(body, 3, "c", b"2")
    put(body, 4, "c", {"fok": b"1", "fak": b"2", "day": b"3"}[v["tif"]])
    put(body, 5, "B", 0)
    put(body, 6, "H", v["account_index"])
    put(body, 8, "I", v["contract_index"])
    put(body, 12, "16s", v["contract_no"].encode())
    put(body, 28, "I", v["qty_lots"])
    put(body, 32, "I", 0)
    # A fraction of whole numbers becomes the nearest double.
    put(body, 36, "d", float(Fraction(v["price_e9"], 10**9)))
    put(body, 44, "I", v["client_req_id"])
    put(body, 48, {2: "i", 3: "q"}[version], v["reference"])
    put(body, {2: 52, 3: 56}[version], "I", v["udp_auth_code"])
    return body


def delete(version, v):
    body = bytearray(BODY[version, "delete"])
    put(body, 0, "H", v["account_index"])
    put(body, 2, "I", v["client_req_id"])
    put(body, 6, "I", v["udp_auth_code"])
    put(body, 10, {2: "i", 3: "q"}[version], v["reference"])
    if version == 2:
        put(body, 14, "B", 0)
        put(body, 15, "21s", v["order_no"].encode())
    else:
        put(body, 18, "B", 0)
        put(body, 19, "Q", v["order_id"])
        put(body, 27, "21s", v["system_no"].encode())
    return body


ENCODERS = {"auth": auth, "insert": insert, "delete": delete}


def say(message, version, values):
    datagram = header(version, message) + bytes(ENCODERS[message](version, values))
    line = {"message": message, "version": version, "fields": values, "hex": datagram.hex()}
    print(json.dumps(line))


def inserts(version):
    most = {2: 2**31 - 1, 3: 2**63 - 1}[version]
    plain = {
        "side": "buy",
        "effect": "open",
        "hedge": "speculate",
        "tif": "fak",
        "close_today": None,
        "account_index": 7,
        "contract_index": 1204,
        "contract_no": "cu2607",
        "qty_lots": 3,
        "price_e9": 78_430_000_000_000,
        "client_req_id": 1,
        "reference": 0x1001,
        "udp_auth_code": 0xC0FFEE01,
    }
    yield plain
    yield plain | {"side": "sell", "effect": "close", "hedge": "hedge", "tif": "fok"}
    yield plain | {"effect": "close_yesterday", "tif": "day", "price_e9": 556_780_000_000}
    yield plain | {"effect": "close_today", "close_today": "J", "side": "sell"}
    yield plain | {
        "account_index": 0xFFFF,
        "contract_index": 0xFFFF_FFFF,
        "contract_no": "SPDm2609&m2701AB",
        "qty_lots": 0xFFFF_FFFF,
        "client_req_id": 0xFFFF_FFFF,
        "reference": most,
        "udp_auth_code": 0xFFFF_FFFF,
        "price_e9": 2**63 - 1,
    }
    yield plain | {
        "account_index": 0,
        "contract_index": 0,
        "contract_no": "a",
        "qty_lots": 0,
        "client_req_id": 0,
        "reference": 1,
        "udp_auth_code": 0,
        "price_e9": -(2**63),
    }
    prices = [0, 1, -1, 999_999_999, 10**9, -(10**9), 37_630_000_000, 100_000_000, -37_630_000_000]
    prices += [123_456_789_012_345_678, 9_007_199_254_740_993, 4_611_686_018_427_387_905]
    for price in prices:
        yield plain | {"price_e9": price}


def deletes(version):
    most = {2: 2**31 - 1, 3: 2**63 - 1}[version]
    plain = {
        "account_index": 7,
        "client_req_id": 2,
        "udp_auth_code": 0xC0FFEE01,
        "reference": 0x1001,
    }
    full = plain | {
        "account_index": 0xFFFF,
        "client_req_id": 0xFFFF_FFFF,
        "udp_auth_code": 0xFFFF_FFFF,
        "reference": most,
    }
    if version == 2:
        yield plain | {"order_no": "1000000042"}
        yield plain | {"order_no": ""}
        yield full | {"order_no": "ABCDEFGHIJKLMNOPQRSTU"}
    else:
        yield plain | {"order_id": 1_000_000_042, "system_no": "  118374"}
        yield plain | {"order_id": 0, "system_no": ""}
        yield full | {"order_id": 2**64 - 1, "system_no": "ABCDEFGHIJKLMNOPQRSTU"}


for version in (2, 3):
    for mode in (0, 1, 2):
        for index, code in ((7, 0xC0FFEE01), (0, 0), (0xFFFF, 0xFFFF_FFFF)):
            fields = {"account_index": index, "udp_auth_code": code, "req_id_mode": mode}
            say("auth", version, fields)
    for values in inserts(version):
        say("insert", version, values)
    for values in deletes(version):
        say("delete", version, values)
