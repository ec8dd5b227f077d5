namespace Sequent.Client;

/// <summary>The value was not the next one of its key; nothing was stored.</summary>
public sealed class SequenceConflictException : SequentException
{
    /// <summary>Creates the exception.</summary>
    public SequenceConflictException(string key, uint? value, uint? expected)
        : base($"{(value is null ? $"The key '{key}' has moved on" : $"The value {value} of key '{key}' is not due")}{(expected is null ? "" : $"; due is {expected}")}. Read again and decide anew.") =>
        (Key, Value, Expected) = (key, value, expected);

    /// <summary>The sequence key.</summary>
    public string Key { get; }

    /// <summary>The value that was published; null if the key was only read.</summary>
    public uint? Value { get; }

    /// <summary>The value that was due; null if the bus is an original one, which does not say.</summary>
    public uint? Expected { get; }

    /// <summary>Of several events published together the receipts of all of them, in their order; of a single one its own.</summary>
    public IReadOnlyList<Receipt> Receipts { get; init; } = [];
}
