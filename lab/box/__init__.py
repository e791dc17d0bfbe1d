"""An operator in a box: a sample month, ordinary configuration, controller, agent and devices, and their story."""
