using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;

namespace EndToEnd.Fire;

/// <summary>
/// Asks until it is answered: if one does not answer, or answers 5xx, the next instance is asked at once, and all of them again after a pause.
/// Every attempt without an answer is noted. May be used by several at once.
/// </summary>
internal sealed class StubbornHttp : IDisposable
{
    private const string PositionHeader = "Sequent-Position";

    /// <summary>Longer than anything is down or frozen, with all that has to be caught up afterwards on a slow machine.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private readonly HttpClient _http;
    private readonly ConcurrentQueue<string> _failures = [];
    private readonly ConcurrentDictionary<IReadOnlyList<RestartableProcess>, int> _turns = [];
    private readonly int _first;
    private int _requests;
    private int _answers503;

    /// <param name="first">The instance of every service it begins with; it stays with one for as long as that answers.</param>
    /// <param name="timeout">
    /// Of one attempt. Shorter than what is frozen stays frozen: then the next instance gets the request while the frozen one still has it, and
    /// goes on with it later.
    /// </param>
    public StubbornHttp(int first, TimeSpan timeout) => (_first, _http) = (first, new HttpClient { Timeout = timeout });

    public string? Token
    {
        set => _http.DefaultRequestHeaders.Authorization = value is null ? null : new AuthenticationHeaderValue("Bearer", value);
    }

    public int Requests => _requests;

    public int Answers503 => _answers503;

    /// <summary>5xx that no route names: not 503, or without Retry-After.</summary>
    public IReadOnlyCollection<string> Failures => _failures;

    /// <param name="instances">Any of these may answer.</param>
    /// <param name="path">Under their addresses.</param>
    /// <param name="position">What the answer must know of the log, if it comes from a read model.</param>
    public Task<Answer> GetAsync(IReadOnlyList<RestartableProcess> instances, string path, long? position = null) => AskAsync(
        instances,
        () =>
        {
            var request = new HttpRequestMessage(HttpMethod.Get, path);
            if (position is { } known)
                request.Headers.Add(PositionHeader, known.ToString(CultureInfo.InvariantCulture));
            return request;
        },
        []);

    public Task<Answer> PostAsync(IReadOnlyList<RestartableProcess> instances, string path, string body, string key, ICollection<string> unanswered) =>
        AskAsync(
            instances,
            () => new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body, Encoding.UTF8, "application/json"), Headers = { { "Idempotency-Key", key } } },
            unanswered);

    public void Dispose() => _http.Dispose();

    private async Task<Answer> AskAsync(IReadOnlyList<RestartableProcess> instances, Func<HttpRequestMessage> create, ICollection<string> unanswered)
    {
        var pauses = new GrowingPause(TimeSpan.FromMilliseconds(25), TimeSpan.FromMilliseconds(400));
        var failed = 0;
        for (var watch = Stopwatch.StartNew(); watch.Elapsed < Patience;)
        {
            var turn = _turns.GetOrAdd(instances, _first);
            var instance = instances[turn % instances.Count];
            using var request = create();
            request.RequestUri = new Uri(instance.Address, request.RequestUri!);
            var askedAt = DateTimeOffset.UtcNow;
            Interlocked.Increment(ref _requests);
            try
            {
                using var response = await _http.SendAsync(request);
                var body = await response.Content.ReadAsStringAsync();
                if ((int)response.StatusCode < 500)
                    return new Answer((int)response.StatusCode, body, PositionOf(response), askedAt, DateTimeOffset.UtcNow);
                if (response.StatusCode == HttpStatusCode.ServiceUnavailable && response.Headers.RetryAfter is not null)
                    Interlocked.Increment(ref _answers503);
                else
                    _failures.Enqueue($"{request.Method} {request.RequestUri} of {instance.Name} answered {(int)response.StatusCode}, Retry-After {response.Headers.RetryAfter}: {body}");
                unanswered.Add($"{askedAt:HH:mm:ss.fff} {instance.Name}: {(int)response.StatusCode}");
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException or IOException)
            {
                unanswered.Add($"{askedAt:HH:mm:ss.fff} {instance.Name}: {e.GetType().Name}");
            }

            _turns.TryUpdate(instances, turn + 1, turn); // nobody else has gone on yet
            if (++failed % instances.Count == 0)
                await pauses.WaitAsync();
        }

        using var last = create();
        throw new TimeoutException($"{last.Method} {last.RequestUri} was not answered within {Patience}: {string.Join("; ", unanswered.TakeLast(5))}");
    }

    private static long? PositionOf(HttpResponseMessage response) =>
        response.Headers.TryGetValues(PositionHeader, out var values) ? long.Parse(values.Single(), CultureInfo.InvariantCulture) : null;
}
