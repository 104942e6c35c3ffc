using System.Collections.Immutable;

namespace Plinth.Plan;

/// <summary>The text of a request without its values: requests with one text have one shape.</summary>
/// <remarks>It writes whatever the resolver looks at; lists with their length first, so that no two requests run into one text.</remarks>
static class ReadShapeKey
{
    public static void Write(ReadRequest request, ImmutableArray<FilterForm> forms, ref ShapeText key)
    {
        key.Add((int)request.Kind);
        key.Add(request.Model);
        int form = 0;
        key.Add(request.Filter is null ? 0 : forms[form++].ShapeNumber);
        key.Add(request.ShortFilters.Length);
        foreach (ShortFilter filter in request.ShortFilters)
        {
            key.Add(filter.Field);
            key.Add(filter.Operator);
            // The null test and the length of a list are part of the condition's form.
            if (filter.Operator is "null") key.Add(filter.Text);
            if (filter.Operator is "in" or "nin") key.Add(ShortOperators.Slots(filter.Text.AsSpan().Count(',') + 1));
        }
        WriteSort(request.Sort, ref key);
        WriteNames(request.Select, ref key);
        WriteIncludes(request.Include, forms, ref form, ref key);
        // Of limit and offset their presence decides whether they fit; their values are checked where they are bound.
        key.Add((int)request.Count * 64 + (int)request.Trashed * 16 + (request.Search is null ? 0 : 8)
            + (request.AsOf is null ? 0 : 256) + (request.Limit is null ? 0 : 4)
            + (request.After is not null ? 1 : request.Before is not null ? 2 : request.Offset is not null ? 3 : 0));
        if (request.Aggregate is not { } aggregate) return;
        WriteNames(aggregate.GroupBy, ref key);
        key.Add(aggregate.Count ? 1 : 0);
        key.Add(aggregate.Terms.Length);
        foreach (AggregateTerm term in aggregate.Terms)
        {
            key.Add(term.Function);
            key.Add(term.Field);
        }
    }

    static void WriteIncludes(ImmutableArray<IncludeRequest> includes, ImmutableArray<FilterForm> forms, ref int form, ref ShapeText key)
    {
        key.Add(includes.Length);
        foreach (IncludeRequest include in includes)
        {
            key.Add(include.Relation);
            key.Add(include.Limit is null ? 0 : 1);
            // Beyond the depth that is looked at, no text was read: the resolver refuses the request.
            key.Add(include.Filter is null || form >= forms.Length ? 0 : forms[form++].ShapeNumber);
            WriteSort(include.Sort, ref key);
            WriteNames(include.Select, ref key);
            WriteIncludes(include.Include, forms, ref form, ref key);
        }
    }

    static void WriteSort(ImmutableArray<SortKey> sort, ref ShapeText key)
    {
        key.Add(sort.Length);
        foreach (SortKey term in sort)
        {
            key.Add(term.Descending ? 1 : 0);
            key.Add(term.Field);
            key.Add(term.Locale ?? "");
        }
    }

    static void WriteNames(ImmutableArray<string> names, ref ShapeText key)
    {
        key.Add(names.Length);
        foreach (string name in names) key.Add(name);
    }
}
