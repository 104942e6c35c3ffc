using System.Buffers.Binary;
using System.Text;
using Plinth.Schema;
using Plinth.Text;

namespace Plinth.Plan;

/// <summary>
/// What a list is, as bytes that a cursor's MAC covers: two lists have one binding only when a place in one is a place in the other.
/// </summary>
static class ReadBinding
{
    /// <summary>Self-delimiting: no binding is the start of another.</summary>
    public static void Write(Value tenant, ReadRequest request, LevelShape root, ByteOutput to)
    {
        Add(to, root.Model.Name);
        Add(to, root.Model.Tenant is null ? "" : tenant.ToString());
        Add(to, root.Sort.Length);
        foreach (SortTerm term in root.Sort)
        {
            Add(to, term.Path.Relations.Length);
            foreach (var relation in term.Path.Relations) Add(to, relation.Name);
            Add(to, term.Path.Field.Name);
            // The type too: a schema that changes it makes the values of old cursors values of another kind.
            Add(to, term.Path.Field.Type.Name);
            Add(to, term.Descending ? 1 : 0);
        }
        Add(to, request.Filter ?? "");
        Add(to, request.ShortFilters.Length);
        foreach (ShortFilter filter in request.ShortFilters)
        {
            Add(to, filter.Field);
            Add(to, filter.Operator);
            Add(to, filter.Text);
        }
        Add(to, request.Search ?? "");
        Add(to, (int)request.Trashed);
        Add(to, request.AsOf ?? "");
    }

    static void Add(ByteOutput to, int number)
    {
        BinaryPrimitives.WriteInt32BigEndian(to.GetSpan(4), number);
        to.Advance(4);
    }

    static void Add(ByteOutput to, string text)
    {
        int length = Encoding.UTF8.GetByteCount(text);
        Add(to, length);
        to.Advance(Encoding.UTF8.GetBytes(text, to.GetSpan(Math.Max(1, length))));
    }
}
