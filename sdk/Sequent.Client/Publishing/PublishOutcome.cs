namespace Sequent.Client;

/// <summary>What became of one of several events published together: either of the two is not null.</summary>
/// <param name="Receipt">The answer of the bus, of whatever status.</param>
/// <param name="Failure">
/// Why there is none: an <see cref="OutcomeUnknownException"/> if the event may be stored; of any other exception, <see cref="OperationCanceledException"/> too, it is not.
/// </param>
public sealed record PublishOutcome(Receipt? Receipt, Exception? Failure)
{
    internal static PublishOutcome Of(Task<IReadOnlyList<Receipt>> sent) => sent.Status switch
    {
        TaskStatus.RanToCompletion => new(sent.Result[0], null),
        TaskStatus.Faulted => new(null, sent.Exception!.InnerException),
        _ => new(null, new TaskCanceledException(sent)),
    };
}
