namespace Sequent.Client;

/// <summary>Of several events published together at least one has no receipt; <see cref="Outcomes"/> tells of each. The first one's failure is the inner exception.</summary>
public sealed class PublishAllException : SequentException
{
    /// <summary>Creates the exception.</summary>
    public PublishAllException(IReadOnlyList<PublishOutcome> outcomes)
        : base(Describe(outcomes), outcomes.FirstOrDefault(o => o.Failure is not null)?.Failure) => Outcomes = outcomes;

    /// <summary>What became of each event, in their order.</summary>
    public IReadOnlyList<PublishOutcome> Outcomes { get; }

    private static string Describe(IReadOnlyList<PublishOutcome> outcomes)
    {
        ArgumentNullException.ThrowIfNull(outcomes);
        var failed = outcomes.Count(o => o.Failure is not null);
        return $"{failed} of {outcomes.Count} events have no receipt, {outcomes.Count(o => o.Failure is OutcomeUnknownException)} of them may be stored. The first: {outcomes.FirstOrDefault(o => o.Failure is not null)?.Failure?.Message}";
    }
}
