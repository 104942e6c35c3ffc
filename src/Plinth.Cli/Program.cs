using Plinth.Cli;

return await PlinthProgram.RunAsync(Shell.OfProcess(), args, CancellationToken.None);
