"""Queries, named as questions and split by subject. Each takes the transaction (`tx`) of `Database.write` or `.read`.

Nobody commits here: the use case that opened the transaction does.

Order of locks, the same in every transaction, so that two of them never wait for each other in a ring: names told by
events, event rows, accounts by id, brakes by (policy, device), devices by name as the very last.
"""
