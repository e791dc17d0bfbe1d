"""An operator in a box: sample month, ordinary configuration, controller, agent and devices, and the story they tell."""
