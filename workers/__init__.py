"""RQ entry points, queues and the schedule. Thin: what is done stands in services/."""
