from tests import properties

__all__ = ["properties"]
