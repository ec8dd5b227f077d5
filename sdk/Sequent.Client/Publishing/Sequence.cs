namespace Sequent.Client;

/// <summary>The sequence pair of an event to publish: its key, and the value it must take.</summary>
/// <param name="Key">The sequence key; at most 512 bytes in UTF-8 by the bus's default.</param>
/// <param name="Value">The value it must take, or null for the next one, whatever it is.</param>
public readonly record struct Sequence(string Key, uint? Value)
{
    /// <summary>The next value of a key, whatever it is.</summary>
    public static Sequence Next(string key) => new(key, null);

    /// <summary>Exactly this value; published only if it is the next one.</summary>
    public static Sequence At(string key, uint value) => new(key, value);

    /// <summary>The next value of a key.</summary>
    public static implicit operator Sequence(string key) => Next(key);
}
