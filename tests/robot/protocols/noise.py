"""Lines as they are: packets cut short, doubled, and noise between them."""
from __future__ import annotations

from hypothesis import strategies as st


def lines(packets: st.SearchStrategy[bytes], headers: bytes) -> st.SearchStrategy[list[bytes]]:
    """Pieces of a noisy line, in reading order; `headers` are bytes that noise should often look like."""
    piece = st.one_of(
        st.binary(max_size=20),
        st.lists(st.sampled_from(list(headers)), max_size=12).map(bytes),
        packets,
        packets.map(lambda packet: packet + packet),
        st.tuples(packets, st.integers(0, 40)).map(lambda both: both[0][:both[1]]),
        st.tuples(packets, st.integers(0, 40), st.integers(1, 255)).map(_damaged),
    )
    return st.lists(piece, max_size=8)


def _damaged(change: tuple[bytes, int, int]) -> bytes:
    packet, where, flip = change
    where %= len(packet)
    return packet[:where] + bytes((packet[where] ^ flip,)) + packet[where + 1:]
