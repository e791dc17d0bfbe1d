"""What every driver must do, whatever its device: `bench.py` says what a device brings, `test_conformance.py` asks.

To have a driver judged, write a bench beside the others and name it in `kinds.py`.
"""
