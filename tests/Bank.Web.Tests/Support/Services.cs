using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text;
using Bank.ServiceDefaults;
using Bank.Web.Api;

namespace Bank.Web.Tests.Support;

/// <summary>Stands for the bank's services: answers each path, or a whole service, as the test says now.</summary>
internal sealed class Services : HttpMessageHandler
{
    public const string Json = "application/json";
    public const string Users = "users";
    public const string Accounts = "accounts";
    public const string Transactions = "transactions";

    private readonly ConcurrentDictionary<string, Func<HttpRequestMessage, CancellationToken, Task<HttpResponseMessage>>> _answers = [];
    private readonly ConcurrentQueue<HttpRequestMessage> _requests = [];

    public static ServiceAddresses Addresses { get; } = new(new($"http://{Users}"), new($"http://{Accounts}"), new($"http://{Transactions}"));

    /// <summary>What was asked, oldest first.</summary>
    public IReadOnlyList<HttpRequestMessage> Requests => [.. _requests];

    /// <summary>The paths that were asked, oldest first.</summary>
    public IReadOnlyList<string> Paths => [.. _requests.Select(PathOf)];

    /// <param name="where">A path, or the name of a service, which goes before its paths.</param>
    /// <param name="answer">Answers.</param>
    public void Answer(string where, Func<HttpRequestMessage, CancellationToken, Task<HttpResponseMessage>> answer) => _answers[where] = answer;

    public void Answer(string where, string body, HttpStatusCode status = HttpStatusCode.OK, string mediaType = Json, long? position = null) =>
        Answer(where, (_, _) => Task.FromResult(Response(body, status, mediaType, position)));

    public void Fail(string where, HttpStatusCode status) => Answer(where, "", status);

    /// <summary>Never answers.</summary>
    public void Hold(string where) => Answer(where, async (_, cancellationToken) =>
    {
        await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
        throw new InvalidOperationException(); // never comes here
    });

    /// <summary>Answers its paths again.</summary>
    public void Recover(string service) => _answers.TryRemove(service, out _);

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        _requests.Enqueue(request);
        if (!_answers.TryGetValue(request.RequestUri!.Host, out var answer) && !_answers.TryGetValue(PathOf(request), out answer))
            return new HttpResponseMessage(HttpStatusCode.NotFound) { RequestMessage = request };
        var response = await answer(request, cancellationToken);
        response.RequestMessage = request;
        return response;
    }

    private static HttpResponseMessage Response(string body, HttpStatusCode status, string mediaType, long? position)
    {
        var response = new HttpResponseMessage(status) { Content = new StringContent(body, Encoding.UTF8) };
        response.Content.Headers.Remove("Content-Type");
        response.Content.Headers.TryAddWithoutValidation("Content-Type", mediaType);
        if (position is not null)
            response.Headers.Add(ReadYourWrites.Header, position.Value.ToString(CultureInfo.InvariantCulture));
        return response;
    }

    private static string PathOf(HttpRequestMessage request) => request.RequestUri!.AbsolutePath;
}
