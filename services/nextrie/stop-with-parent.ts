// Loaded first into every program that the command line starts. When the command line is gone,
// even by kill -9, the program stops in order too, instead of holding its port and connections.
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
process.channel?.unref() // a program that has nothing left to do may end
