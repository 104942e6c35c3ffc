using Plinth.Cli;

// A check ends in a third of a second, and collections would take a fifth of that: a schema of 500 models allocates 70 MB. Where the
// memory is not to be had, or more is needed, they happen as ever.
if (args is ["check", ..] && GC.GetGCMemoryInfo().TotalAvailableMemoryBytes > 1L << 30) GC.TryStartNoGCRegion(96L << 20);
return await PlinthProgram.RunAsync(Shell.OfProcess(), args, CancellationToken.None);
