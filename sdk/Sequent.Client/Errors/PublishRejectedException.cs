namespace Sequent.Client;

/// <summary>The bus does not accept the event, and would not if it were published again; nothing was stored.</summary>
public sealed class PublishRejectedException : SequentException
{
    /// <summary>Creates the exception.</summary>
    public PublishRejectedException(string reason, string key)
        : base($"The bus rejected the event of key '{key}': {reason}.") => (Reason, Key) = (reason, key);

    /// <summary>One of <see cref="Sequent.Protocol.RejectReasons"/>.</summary>
    public string Reason { get; }

    /// <summary>The sequence key.</summary>
    public string Key { get; }

    /// <summary>Of several events published together the receipts of all of them, in their order; of a single one its own.</summary>
    public IReadOnlyList<Receipt> Receipts { get; init; } = [];
}
