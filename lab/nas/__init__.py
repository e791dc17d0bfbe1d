"""A NAS by RFC 5176 with live sessions, and a small RADIUS server on FreeRADIUS's SQL schema; both for anyone's tools.

The codec is this package's own, so that what it proves about a client is proved by an independent implementation.
"""
