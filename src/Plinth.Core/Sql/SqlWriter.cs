using System.Collections.Immutable;
using System.Text;
using Plinth.Schema;

namespace Plinth.Sql;

/// <summary>A statement and where its parameters come from. The text depends on the shape of a request only, never on its values.</summary>
sealed record SqlText(string Text, ImmutableArray<SqlParameter> Parameters);

/// <summary>Where the value of one parameter comes from when the statement is bound.</summary>
abstract record SqlParameter
{
    private protected SqlParameter()
    {
    }
}

/// <summary>Known when the plan was made (a literal of the schema's own rules).</summary>
sealed record ConstantParameter(Value Value) : SqlParameter;

/// <summary>
/// The request's value number <paramref name="Slot"/>: planners number the values that vary between requests of one shape.
/// </summary>
/// <param name="Slot">Its number.</param>
/// <param name="Kind">Of the value, for databases that want to know; Null where the statement around it says it.</param>
sealed record SlotParameter(int Slot, ValueKind Kind = ValueKind.Null) : SqlParameter;

/// <summary>The values of one part of the keys that a statement asks for, over all of them.</summary>
/// <param name="Part">Its number in the key.</param>
/// <param name="Kind">Of the values.</param>
sealed record ArrayParameter(int Part, ValueKind Kind) : SqlParameter;

/// <summary>
/// Builds the text of one statement. There is no way to put a value into the text: values become parameters, names are quoted,
/// and <see cref="Raw"/> takes literals of our own source.
/// </summary>
/// <param name="dialect">How it is spelt.</param>
/// <param name="forDefinitions">
/// Definitions of tables and indexes take no parameters. Only for them are constants, which come from the schema file, written as literals;
/// a request's values can never be.
/// </param>
sealed class SqlWriter(Dialect dialect, bool forDefinitions = false)
{
    readonly StringBuilder _text = new();
    readonly List<SqlParameter> _parameters = [];
    int _aliases;

    public Dialect Dialect => dialect;

    public int Length => _text.Length;

    /// <summary>What is written becomes part of a definition, where no subquery may stand.</summary>
    public bool ForDefinitions => forDefinitions;

    /// <summary>What was written from a position on.</summary>
    public string TextFrom(int start) => _text.ToString(start, _text.Length - start);

    public SqlWriter Raw(string sql)
    {
        _text.Append(sql);
        return this;
    }

    /// <summary>A quoted identifier.</summary>
    public SqlWriter Name(string name)
    {
        dialect.QuoteName(_text, name);
        return this;
    }

    /// <summary><c>alias."column"</c></summary>
    public SqlWriter Column(string alias, string column)
    {
        if (alias.Length > 0) _text.Append(alias).Append('.');
        return Name(column);
    }

    public SqlWriter Value(SqlParameter parameter)
    {
        if (forDefinitions)
        {
            if (parameter is not ConstantParameter constant)
                throw new InvalidOperationException("a definition has no request to take values from");
            dialect.Literal(_text, constant.Value);
            return this;
        }

        // A slot that occurs again is one parameter: the statement is bound once per value.
        int index = parameter is SlotParameter ? _parameters.IndexOf(parameter) : -1;
        if (index < 0)
        {
            index = _parameters.Count;
            _parameters.Add(parameter);
        }
        dialect.Placeholder(_text, index + 1, KindOf(parameter));
        return this;
    }

    public static ValueKind KindOf(SqlParameter parameter) => parameter switch
    {
        ConstantParameter { Value.Kind: var kind } => kind,
        SlotParameter { Kind: var kind } => kind,
        _ => ValueKind.Null,
    };

    public SqlWriter Constant(Value value) => Value(new ConstantParameter(value));

    public SqlWriter Slot(int slot, ValueKind kind = ValueKind.Null) => Value(new SlotParameter(slot, kind));

    /// <summary>A slot that holds a value of a field.</summary>
    public SqlWriter Slot(int slot, Field field) => Slot(slot, field.StoredKind);

    /// <summary>A slot that the statement did not name before: long lists of them need no search each.</summary>
    public SqlWriter FreshSlot(int slot, ValueKind kind)
    {
        _parameters.Add(new SlotParameter(slot, kind));
        dialect.Placeholder(_text, _parameters.Count, kind);
        return this;
    }

    /// <summary>The values of one part of many keys, where the dialect takes arrays.</summary>
    public SqlWriter Array(int part, ValueKind kind)
    {
        _parameters.Add(new ArrayParameter(part, kind));
        dialect.ArrayPlaceholder(_text, _parameters.Count, kind);
        return this;
    }

    /// <summary>A number of our own source: a position or a checked page size, never another value of a request.</summary>
    public SqlWriter Number(int number)
    {
        _text.Append(System.Globalization.CultureInfo.InvariantCulture, $"{number}");
        return this;
    }

    /// <summary>A fresh table alias: t0, t1, … Self-relations need one per hop.</summary>
    public string NextAlias() => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"t{_aliases++}");

    public SqlText Build() => new(_text.ToString(), [.. _parameters]);
}
