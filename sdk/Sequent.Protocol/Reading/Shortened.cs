namespace Sequent.Protocol;

/// <summary>Names of clients in texts of errors: long enough to be recognised.</summary>
internal static class Shortened
{
    private const int MaxLength = 64;

    public static string Of(string name)
    {
        if (name.Length <= MaxLength)
            return name;
        return string.Concat(name.AsSpan(0, char.IsHighSurrogate(name[MaxLength - 1]) ? MaxLength - 1 : MaxLength), "…");
    }
}
