using System.Diagnostics.CodeAnalysis;

namespace Plinth.Text;

/// <summary>A value, or the fault that stands in its place. What a caller can cause is returned; what only we can cause throws.</summary>
readonly struct Result<T>
{
    readonly T? _value;

    Result(T? value, Fault? fault) => (_value, Fault) = (value, fault);

    public Fault? Fault { get; }

    [MemberNotNullWhen(false, nameof(Fault))]
    public bool IsOk => Fault is null;

    /// <exception cref="InvalidOperationException">The result is a fault: a bug in the caller, who did not look.</exception>
    public T Value => Fault is null ? _value! : throw new InvalidOperationException($"a fault was not looked at: {Fault.Code}");

    public static implicit operator Result<T>(T value) => new(value, null);

    public static implicit operator Result<T>(Fault fault) => new(default, fault);

    public bool Failed([NotNullWhen(true)] out Fault? fault, [NotNullWhen(false)] out T? value)
    {
        fault = Fault;
        value = _value;
        return fault is not null;
    }
}

/// <summary>For operations whose success carries nothing.</summary>
readonly struct Done
{
    public static readonly Done It;
}
