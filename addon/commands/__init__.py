"""The same jobs from a terminal. Each job is a module that is named in COMMANDS of `__main__`; the others help them:

* `arguments`, `terminal`: what command lines may say, and what is shown while work runs
* `manifest`, `cluster`: what `batch` is to do, and the same on a Dask cluster
* `pair_making`: the work of `pairs`
* `robot_session`, `robot_feed`, `robot_film`, `robot_measure`: the parts of `robot`
* `sheets`, `side_by_side`: the pictures of `cast` and `demo`
* `system_libraries`: what `doctor` and the Makefile look for
"""
