"""Pure readers of pages and feeds: bytes or markup in, plain values out, no network, no clock."""
