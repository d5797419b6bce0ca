import v8 from 'node:v8';
const [,, mrS, nrS, rel, rev] = process.argv;
const mr=+mrS!, nr=+nrS!, relaxed=rel==='1', revec=rev==='1';
if (revec) v8.setFlagsFromString('--experimental-wasm-revectorize');
const { KernelHarness } = await import('/work/main/src/backends/wasm/kernel-harness.ts');
const { linear } = await import('/work/main/src/backends/wasm/kernels/linear.ts');
const t00=performance.now();
const h = new KernelHarness([linear], {relaxed, revec, threads:1, tile:{mr,nr}});
console.log('build ms', (performance.now()-t00).toFixed(1));
function peakLoop(){ }
for (const [M,K,N] of [[512,512,512],[128,768,3072],[8,768,3072],[2,768,3072],[3,768,3072],[128,3072,768],[5,7,9]] as const) {
  const x=h.array([M,K]), P=Math.ceil(N/nr), w=h.array([N,K],'f32',undefined,{elements:P*nr*K,format:'panels'}), wp=h.array([N,K]), b=h.array([N]), o=h.array([M,N]);
  const xd=x.data, wd=w.data, wpd=wp.data, bd=b.data;
  for(let i=0;i<xd.length;i++)xd[i]=((i*7919)%1000)/1000-.5;
  for(let n=0;n<N;n++){bd[n]=n%7;for(let k=0;k<K;k++)wd[Math.floor(n/nr)*nr*K+k*nr+n%nr]=wpd[n*K+k]=((n*131+k*104729)%997)/997-.5;}
  for (const [name,ww] of [['panels',w],['plain',wp]] as const) {
    o.data.fill(0);
    const run=h.prepare('linear',undefined,[x,ww,b],o);
    const t0=performance.now();run();const first=performance.now()-t0;
    const ts:number[]=[];const tt=performance.now();while(performance.now()-tt<500){const t=performance.now();run();ts.push(performance.now()-t);}
    ts.sort((a,b)=>a-b);
    const od=o.data;let e=0;
    for(let q=0;q<200;q++){const i=(q*37)%M,j=(q*101)%N;let s=bd[j]!;for(let k=0;k<K;k++)s+=xd[i*K+k]!*wpd[j*K+k]!;e=Math.max(e,Math.abs(s-od[i*N+j]!));}
    const gf=(t:number)=>(2*M*K*N/t/1e6).toFixed(1);
    console.log(`${M}x${K}x${N} ${name} best ${gf(ts[0]!)} med ${gf(ts[ts.length>>1]!)} GF first ${first.toFixed(2)} ms best ${ts[0]!.toFixed(2)} err ${e.toExponential(1)}`);
  }
}
