namespace Plinth.Log;

/// <summary>
/// One statement for several units of a group, each of which takes its part of the answer. It goes ahead when all of them have joined; when
/// it fails, nobody can say whose part it was, and the group runs again with a statement for each.
/// </summary>
abstract class SharedStatement
{
    protected internal abstract void Send(WriteTransaction transaction);
}
