using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Sequent.Client.Telemetry;

/// <summary>Something that takes time: a span, and its duration in a histogram. The clock is the system's, as that of spans is.</summary>
/// <param name="activity">The span; null if nobody listens, or it is not sampled.</param>
/// <param name="duration">Where its duration goes.</param>
/// <param name="tags">What the duration is told by.</param>
internal sealed class Operation(Activity? activity, Histogram<double> duration, TagList tags) : IDisposable
{
    private readonly long _started = Stopwatch.GetTimestamp();
    private TagList _tags = tags;

    public Activity? Activity => activity;

    /// <summary>It failed. To be used as a filter, because it never takes the exception.</summary>
    public bool Fail(Exception e)
    {
        if (e is OperationCanceledException)
        {
            Fail("cancelled");
            return false;
        }

        Fail(e.GetType().FullName!);
        activity?.AddException(e);
        return false;
    }

    public void Fail(string error)
    {
        _tags.Add(Tags.Error, error);
        activity?.SetTag(Tags.Error, error).SetStatus(ActivityStatusCode.Error, error);
    }

    public void Dispose()
    {
        duration.Record(Stopwatch.GetElapsedTime(_started).TotalSeconds, _tags);
        activity?.Dispose();
    }
}
