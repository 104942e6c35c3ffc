using Plinth.Store;

namespace Plinth.Runtime;

/// <summary>How the insert of a record went ahead: by a statement of its own, in one with others, or not at all.</summary>
readonly record struct SentInsert(Statement? Own, SentInserts? Shared)
{
    public static SentInsert None => default;

    public bool IsSent => Own is not null || Shared is not null;
}
