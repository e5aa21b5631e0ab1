"""Measuring a worker: start the program, wait until it is ready, look at its memory, stop it. Linux only.

kernel_files   the text of /proc/PID/… -> values (pure)
tree           which processes are workers, when they are at rest (pure)
processes      /proc -> the processes of a tree, their memory, whether they listen
program        start it, hear signals, stop all of it
measurement    wait, sample: from a started program to figures
keep           write the figures down
"""
